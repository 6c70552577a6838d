#@ test check
(def (x 0))
(when true (when (> x 1) (:= x 2)) (def (y 0)))
#~ 13: error[E0106]: `(when …)` cannot stand inside an event
#~     help: close the event before it
#~ 37: error[E0106]: `(def …)` cannot stand inside an event
#~     help: declarations stand at the beginning of the program
