"""Reading weights from files of several formats into models."""
