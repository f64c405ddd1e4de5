"""Tell where: area tree, party-organisation tree, posts, scope and permission."""
