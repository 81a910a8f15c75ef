"""All that people look at: figures, grids of pictures, pages."""
