"""Files and folders of texts scored into files with predictions."""
