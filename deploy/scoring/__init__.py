"""An example of an application that is started by official results."""
