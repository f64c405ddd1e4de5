"""Tell what is needed: resident requests, resource requests, dispatch."""
