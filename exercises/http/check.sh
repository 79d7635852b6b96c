# What a browser does, what a network does to it, and what a stranger tries.
about='A circle of operations for each client: a request that ends at an empty
line, a file in pieces, a goodbye. What blocks runs elsewhere, every wait has an
end, and no path leads out.'

play_scenes
