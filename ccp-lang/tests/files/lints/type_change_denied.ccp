# Lint `type-change` can be made an error.
#@ deny type-change
#@ test check
(def (Report (r 0) (t false)))
(when true (:= Report.r (> Micros 5)) (:= Report.t 5) (report))
#~ 25: error[L0206]: a Bool is bound to `Report.r`, which is a Num
#~     help: `Report.r` becomes 0 or 1; declare it with `true` or `false` if it is meant to be a Bool
#~ 52: error[L0206]: a Num is bound to `Report.t`, which is a Bool
#~     help: every number but 0 counts as true; compare it: `(:= Report.t (> … 0))`
