# Says: a file that is not below --root
s/return leads_up\(path\) \? 403 : 200;/return leads_up(path) ? 200 : 200;/
