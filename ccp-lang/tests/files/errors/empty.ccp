#@ test check
#~ 1: error[E0104]: the program is empty
#~     help: write `(def)` when nothing is declared
