"""An application that is started by official results: an example."""
