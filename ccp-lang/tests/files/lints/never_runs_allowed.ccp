# Lint `never-runs` can be silenced.
#@ allow never-runs
#@ test check
(def)
(when true (:= Cwnd 5))
(when (> Micros 5) (:= Cwnd 6))
(when false (:= Cwnd 7))
