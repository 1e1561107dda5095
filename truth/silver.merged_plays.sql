-- Playbacks of which two events tell that were both accepted: one of the two is to be merged into the other.
CREATE TABLE silver.merged_plays AS
SELECT min(event_id) AS event_id, max(event_id) AS other_event_id
FROM judged
WHERE verdict = 'accepted' AND playback_id IS NOT NULL
GROUP BY playback_id
HAVING count(*) = 2;
