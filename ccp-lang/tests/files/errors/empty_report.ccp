#@ test check
(def (x 0))
(when (> x 5) (report))
#~ 15: error[L0104]: the report would be empty, which closes the flow
#~     help: declare what should be reported: `(def (Report (volatile acked 0)))`
(when true (:= x (+ x 1)) (report))
