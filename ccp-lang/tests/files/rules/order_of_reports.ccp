# A report has the variables of `(Report …)` first, then those declared outside: before it, behind it.
(def (Report.first 1) (control 2) (Report (volatile b 3) (a 4)) (Report.last 5))
#~ 24: note[L0202]: `control` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
(when true (:= Report.first (+ Report.first control)) (:= Report.b (+ Report.b 10)) (:= Report.a (+ Report.a 10))
    (:= Report.last (+ Report.last 10)) (report))
#@ test run
#@ ack
#= cwnd=14480 report=[13, 14, 3, 15]
#@ set control=100
#@ ack
#= cwnd=14480 report=[13, 24, 103, 25]
