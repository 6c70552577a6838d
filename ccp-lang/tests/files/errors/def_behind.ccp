#@ test check
(when true (:= x 5))
(def (x 0))
#~ 2: error[E0106]: `(def …)` behind an event
#~     help: a program begins with its `(def …)`
