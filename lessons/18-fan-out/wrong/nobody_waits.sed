# Says: the server has taken 1024 KiB of what she says
s/c->waits = c->under_way >= UNDER_WAY_MOST;/c->waits = false;/
