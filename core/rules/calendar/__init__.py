"""A season's calendar: which event is which, when its sessions take place, what a source's answer changes."""
