# Lint `duplicate-name` denies.
#@ test check
(def (Report (r 0)) (x 1) (x 2))
#~ 28: error[L0101]: `x` is declared twice
#~     3:22: the other declaration
#~     help: remove or rename one of them
(when true (:= Report.r x) (:= x 3) (report))
