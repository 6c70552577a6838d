# Until its first program a flow does nothing; the first switch may set fields.
(def (Report (gain 0)) (gain 2))
#~ 25: note[L0202]: `gain` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
(when true (:= Report.gain gain) (:= Cwnd (* gain 1000)) (report))
#@ test run
#@ switch 0 gain=3 Rate=70
#@ ack
#= cwnd=3000 rate=70 report=[3]
#@ ack
#= cwnd=3000 rate=70 report=[3]
