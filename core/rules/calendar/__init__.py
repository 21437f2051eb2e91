"""A season's calendar: which event is which, when its sessions are, what a source's answer changes."""
