#@ test check
# Nothing declared.
(when true (:= Cwnd 5))
#~ 1: error[E0104]: the program does not begin with `(def …)`
#~     help: write `(def)` when nothing is declared
