"""What is kept about a dossier, erasing it, and keeping it erased. The words: docs/concepts/privacy.md."""
