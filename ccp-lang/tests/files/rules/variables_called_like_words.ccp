# Words of the language may be names where no word can stand: `when` behind `(` of a declaration begins no event.
(def (when 1) (def 2) (report 3) (Report (when 4)))
#~ 16: note[L0202]: `def` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
#~ 24: note[L0202]: `report` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
(when (> when 0) (:= Report.when (+ when def report)) (:= when def) (report))
#@ test run
#@ ack
#= cwnd=14480 report=[6]
#@ set def=0
#@ ack
#= cwnd=14480 report=[5]
#@ ack
#= cwnd=14480
