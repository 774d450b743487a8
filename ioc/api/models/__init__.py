"""The API's documents as models, from which OpenAPI describes them; a module for each kind of thing."""
