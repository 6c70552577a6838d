# Assigns only when the condition is true, to every kind of variable; the value is the variable then.
(def (Report (declared 3) (local 0) (value 0)) (control 4))
(when true
    (:= local 2)
    (:= Report.declared (if (> Flow.rate_incoming 0) 10))
    (:= local (if (> Flow.rate_incoming 0) 20))
    (:= control (if Flow.was_timeout 30))
    (:= Cwnd (if (> Flow.rate_incoming 0) 5000))
    (:= Rate (if (> Flow.rate_incoming 0) 6000))
    (:= Report.value (+ control (:= local (if (> Flow.rate_outgoing 0) 40))))
    (:= Report.local local)
    (report)
)
#@ test run
#@ ack rate_incoming=0 rate_outgoing=0
#= cwnd=14480 report=[3, 2, 6]
#@ ack rate_incoming=1 rate_outgoing=0
#= cwnd=5000 rate=6000 report=[10, 20, 24]
#@ ack rate_incoming=1 rate_outgoing=1 was_timeout=1
#= cwnd=5000 rate=6000 report=[10, 40, 70]
#@ ack rate_incoming=0 rate_outgoing=1
#= cwnd=5000 rate=6000 report=[10, 40, 70]
