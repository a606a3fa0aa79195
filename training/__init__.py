"""Makes the models that the project ships, from open data; nothing here is needed when serving."""
