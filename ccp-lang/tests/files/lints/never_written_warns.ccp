# Lint `never-written` warns.
#@ test check
(def (volatile lost 1) (parameter 2))
#~ 16: warning[L0202]: `lost` is never written: it keeps its initial value unless the agent sets it
#~     help: what the agent sets is lost with the next report; remove `volatile`
#~ 25: note[L0202]: `parameter` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
(when (> lost parameter) (:= Cwnd 5))
