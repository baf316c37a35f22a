-- How the tokens were charged: metered (for each of them), plan (a subscription: nothing by itself), sandbox (no model was called).
ALTER TABLE usage ADD COLUMN billing TEXT NOT NULL DEFAULT 'metered';

-- What they cost by the price list, whatever was charged. NULL in rows that are older than this column: what was charged.
ALTER TABLE usage ADD COLUMN list_micro INTEGER;
