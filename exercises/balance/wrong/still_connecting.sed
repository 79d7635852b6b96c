# Says: the backend with the fewest sessions
s/^  b->connecting--;/  b->connecting += b == b->pool->backends;/
