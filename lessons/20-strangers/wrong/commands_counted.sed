# Says: this JOIN is too many
s/size_t count = channels_in\(line->params\[0\]\);/size_t count = 1;/
