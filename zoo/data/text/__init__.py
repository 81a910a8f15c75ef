"""Text: corpora, named datasets, vocabularies."""
