"""Know no domain: errors, access registry, encrypted fields, pictures."""
