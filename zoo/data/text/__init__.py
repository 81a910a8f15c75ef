"""Text: corpora, their readers, vocabularies."""
