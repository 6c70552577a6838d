# Lint `never-written` can be silenced.
#@ allow never-written
#@ test check
(def (volatile lost 1) (parameter 2))
(when (> lost parameter) (:= Cwnd 5))
