(def (Report (r 0) (t false)))
(when (&& (> Cwnd 1) (> Cwnd 2) (> Cwnd 3))
    (:= Report.r (+ 1 Cwnd 2 Rate))
    (:= Report.r (* 2 3 4))
    (:= Report.r (min Cwnd Rate 9 (max 1 2 3)))
    (:= Report.t (|| Report.t true (> Cwnd 9)))
    (report)
)
#@ test asm
#|    0  DEF     report.0, #0
#|    1  DEF     report.1, #0
#| event 0: flag 2..7, body 7..25
#|    2  GT      tmp.0, Cwnd, #1
#|    3  GT      tmp.1, Cwnd, #2
#|    4  GT      tmp.2, Cwnd, #3
#|    5  MUL     tmp.3, tmp.0, tmp.1
#|    6  MUL     eventFlag, tmp.3, tmp.2
#|    7  ADD     tmp.0, #1, Cwnd
#|    8  ADD     tmp.1, tmp.0, #2
#|    9  ADD     tmp.2, tmp.1, Rate
#|   10  BIND    report.0, tmp.2
#|   11  MUL     tmp.0, #2, #3
#|   12  MUL     tmp.1, tmp.0, #4
#|   13  BIND    report.0, tmp.1
#|   14  MAX     tmp.0, #1, #2
#|   15  MAX     tmp.1, tmp.0, #3
#|   16  MIN     tmp.2, Cwnd, Rate
#|   17  MIN     tmp.3, tmp.2, #9
#|   18  MIN     tmp.4, tmp.3, tmp.1
#|   19  BIND    report.0, tmp.4
#|   20  GT      tmp.0, Cwnd, #9
#|   21  MAX     tmp.1, report.1, #1
#|   22  MAX     tmp.2, tmp.1, tmp.0
#|   23  BIND    report.1, tmp.2
#|   24  BIND    shouldReport, #1
