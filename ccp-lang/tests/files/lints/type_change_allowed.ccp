# Lint `type-change` can be silenced.
#@ allow type-change
#@ test check
(def (Report (r 0) (t false)))
(when true (:= Report.r (> Micros 5)) (:= Report.t 5) (report))
