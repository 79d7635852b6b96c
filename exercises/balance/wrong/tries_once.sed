# Says: A client whose backend cannot be reached goes to the next one
s/^    choose\(v\);/    send_away(v);/
