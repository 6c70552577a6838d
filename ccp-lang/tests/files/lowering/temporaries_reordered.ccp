# Left to right this needs nine at once; from the right, two are enough.
(def (Report (r 0)))
(when true
    (:= Report.r (+ (* Cwnd 2) (- (* Cwnd 3) (+ (* Cwnd 4) (+ (* Cwnd 5) (+ (* Cwnd 6) (+ (* Cwnd 7)
        (+ (* Cwnd 8) (+ (* Cwnd 9) (+ (* Cwnd 10) (* Cwnd 11)))))))))))
    (report)
)
#@ test asm
#|    0  DEF     report.0, #0
#| event 0: flag 1..2, body 2..23
#|    1  BIND    eventFlag, #1
#|    2  MUL     tmp.0, Cwnd, #10
#|    3  MUL     tmp.1, Cwnd, #11
#|    4  ADD     tmp.0, tmp.0, tmp.1
#|    5  MUL     tmp.1, Cwnd, #9
#|    6  ADD     tmp.0, tmp.1, tmp.0
#|    7  MUL     tmp.1, Cwnd, #8
#|    8  ADD     tmp.0, tmp.1, tmp.0
#|    9  MUL     tmp.1, Cwnd, #7
#|   10  ADD     tmp.0, tmp.1, tmp.0
#|   11  MUL     tmp.1, Cwnd, #6
#|   12  ADD     tmp.0, tmp.1, tmp.0
#|   13  MUL     tmp.1, Cwnd, #5
#|   14  ADD     tmp.0, tmp.1, tmp.0
#|   15  MUL     tmp.1, Cwnd, #4
#|   16  ADD     tmp.0, tmp.1, tmp.0
#|   17  MUL     tmp.1, Cwnd, #3
#|   18  SUB     tmp.0, tmp.1, tmp.0
#|   19  MUL     tmp.1, Cwnd, #2
#|   20  ADD     tmp.0, tmp.1, tmp.0
#|   21  BIND    report.0, tmp.0
#|   22  BIND    shouldReport, #1
