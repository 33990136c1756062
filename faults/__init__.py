"""Everything is killed, over and over, while people work: and nothing may be lost or doubled."""
