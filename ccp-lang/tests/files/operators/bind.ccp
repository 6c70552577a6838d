# Assigns; as an operand it is the variable on its left, read when the operator around it runs.
(def (Report (sign 0) (word 0) (after 0) (chain 0)) (a 1))
(when true
    (:= Report.sign Flow.rate_incoming)
    (bind Report.word Flow.rate_incoming)
    (:= a 1)
    (:= Report.after (+ a (:= a Flow.rate_incoming)))
    (:= Report.chain (:= b (bind a Flow.rate_outgoing)))
    (:= Report.chain (+ Report.chain b))
    (report)
)
#@ test run
#@ ack rate_incoming=5 rate_outgoing=7
#= cwnd=14480 report=[5, 5, 10, 14]
#@ ack rate_incoming=0 rate_outgoing=9
#= cwnd=14480 report=[0, 0, 0, 18]
