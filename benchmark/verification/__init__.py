"""Finding out which candidates are working emotion classifiers."""
