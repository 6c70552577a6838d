(def)
(when (> Cwnd 100000) (:= Cwnd 100000))
#@ test asm
#| event 0: flag 0..1, body 1..2
#|    0  GT      eventFlag, Cwnd, #100000
#|    1  BIND    Cwnd, #100000
