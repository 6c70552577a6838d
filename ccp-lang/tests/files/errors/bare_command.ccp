#@ test check
(def (Report (x 0)))
(when (:= Report.x 1)
#~ 7: error[E0501]: a bind in a condition
#~     help: bind in the body of an event before this one that falls through
    (:= Report.x (+ Report.x 1))
    report)
#~ 5: error[L0102]: nothing binds `report`
#~     help: the command is `(report)`
