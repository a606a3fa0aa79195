"""Who may do what: keys with scopes, where they are kept, and what each request needs."""
