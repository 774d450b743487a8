"""The page of single dossiers: what is late or falls due, and the story of one. No person is in it."""
