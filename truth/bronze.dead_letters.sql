-- Every dead letter stays one, whether or not it was brought back.
CREATE TABLE bronze.dead_letters AS
SELECT reason, count(*) AS count
FROM judged
WHERE reason IS NOT NULL
GROUP BY reason;
