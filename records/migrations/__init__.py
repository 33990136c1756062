"""How the tables came to be, one dated step after the other. Nothing here reads cases."""
