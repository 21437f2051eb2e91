"""A season's calendar: matching events, session times, and the changes in a source's answer."""
