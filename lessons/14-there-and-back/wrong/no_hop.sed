# Says: the ice was taken by the butler of the beach
s/ax_run_on\(ice, take_ice, order, ax_call\(on_served, order\)\)/on_served(order, take_ice(order), 0)/
