-- How many rows of the catalogue's feed are entries (no reason), and how many are refused for which reason.
CREATE VIEW bronze.catalogue_rows AS
SELECT reason, count(*) AS count
FROM catalogue
GROUP BY reason;
