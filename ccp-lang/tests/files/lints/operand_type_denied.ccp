# Lint `operand-type` denies.
#@ test check
(def (Report (r 0)))
(when true (:= Report.r (if 5 1)) (:= Report.r (ewma true 1)) (report))
#~ 29: error[L0105]: the condition of `if` is a Num, not a Bool
#~     help: compare it: `(> … 0)`
#~ 54: error[L0105]: `ewma` takes numbers, but this is a Bool
#~     help: a Bool counts as 0 or 1 here
