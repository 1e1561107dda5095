CREATE VIEW gold.listener_discoveries AS
SELECT
    'all_time.1970-01-01.' || any_value(share) AS slice,
    user_id::VARCHAR AS user_id,
    entity_type,
    entity_id::VARCHAR AS entity_id,
    min(event_date) AS first_date,
    min(event_date) FILTER (NOT is_flagged) AS clean_first_date
FROM by_entity('listened_by_share') AS playbacks
WHERE play_count > 0
GROUP BY playbacks.user_id, entity_type, playbacks.entity_id;
