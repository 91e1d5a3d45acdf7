-- Pagila: a shop that rents films, as PostgreSQL has it. Facts of the public schema, and bodies of our own under its names.
CREATE TYPE mpaa_rating AS ENUM ('G', 'PG', 'PG-13', 'R', 'NC-17');
CREATE DOMAIN year AS integer CHECK (VALUE >= 1901 AND VALUE <= 2155);
CREATE FUNCTION last_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.last_update = CURRENT_TIMESTAMP;
    RETURN NEW;
END $$;
CREATE TABLE country (country_id serial PRIMARY KEY, country text NOT NULL, last_update timestamptz NOT NULL DEFAULT now());
CREATE TABLE city (
    city_id serial PRIMARY KEY, city text NOT NULL, country_id integer NOT NULL REFERENCES country,
    last_update timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE address (
    address_id serial PRIMARY KEY, address text NOT NULL, address2 text, district text NOT NULL,
    city_id integer NOT NULL REFERENCES city, postal_code text, phone text NOT NULL,
    last_update timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE language (language_id serial PRIMARY KEY, name char(20) NOT NULL, last_update timestamptz NOT NULL DEFAULT now());
CREATE TABLE category (category_id serial PRIMARY KEY, name text NOT NULL, last_update timestamptz NOT NULL DEFAULT now());
CREATE TABLE actor (
    actor_id serial PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL,
    last_update timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE film (
    film_id serial PRIMARY KEY, title text NOT NULL, description text, release_year year,
    language_id integer NOT NULL REFERENCES language, original_language_id integer REFERENCES language,
    rental_duration smallint NOT NULL DEFAULT 3, rental_rate numeric(4, 2) NOT NULL DEFAULT 4.99, length smallint,
    replacement_cost numeric(5, 2) NOT NULL DEFAULT 19.99, rating mpaa_rating DEFAULT 'G',
    last_update timestamptz NOT NULL DEFAULT now(), special_features text[], fulltext tsvector NOT NULL
);
CREATE TABLE film_actor (
    actor_id integer NOT NULL REFERENCES actor, film_id integer NOT NULL REFERENCES film,
    last_update timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (actor_id, film_id)
);
CREATE TABLE film_category (
    film_id integer NOT NULL REFERENCES film, category_id integer NOT NULL REFERENCES category,
    last_update timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (film_id, category_id)
);
CREATE TABLE staff (
    staff_id serial PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL,
    address_id integer NOT NULL REFERENCES address, email text, store_id integer NOT NULL,
    active boolean NOT NULL DEFAULT true, username text NOT NULL, password text,
    last_update timestamptz NOT NULL DEFAULT now(), picture bytea
);
CREATE TABLE store (
    store_id serial PRIMARY KEY, manager_staff_id integer NOT NULL REFERENCES staff DEFERRABLE,
    address_id integer NOT NULL REFERENCES address, last_update timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE staff ADD CONSTRAINT staff_store_id_fkey FOREIGN KEY (store_id) REFERENCES store DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE inventory (
    inventory_id serial PRIMARY KEY, film_id integer NOT NULL REFERENCES film, store_id integer NOT NULL REFERENCES store,
    last_update timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE customer (
    customer_id serial PRIMARY KEY, store_id integer NOT NULL REFERENCES store, first_name text NOT NULL,
    last_name text NOT NULL, email text, address_id integer NOT NULL REFERENCES address,
    activebool boolean NOT NULL DEFAULT true, create_date date NOT NULL DEFAULT CURRENT_DATE,
    last_update timestamptz DEFAULT now(), active integer
);
CREATE TABLE rental (
    rental_id serial PRIMARY KEY, rental_date timestamptz NOT NULL, inventory_id integer NOT NULL REFERENCES inventory,
    customer_id integer NOT NULL REFERENCES customer, return_date timestamptz, staff_id integer NOT NULL REFERENCES staff,
    last_update timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE payment (
    payment_id serial, customer_id integer NOT NULL REFERENCES customer, staff_id integer NOT NULL REFERENCES staff,
    rental_id integer NOT NULL REFERENCES rental, amount numeric(5, 2) NOT NULL, payment_date timestamptz NOT NULL,
    PRIMARY KEY (payment_date, payment_id)
) PARTITION BY RANGE (payment_date);
CREATE TABLE payment_p2022_01 PARTITION OF payment FOR VALUES FROM ('2022-01-01') TO ('2022-02-01');
CREATE TABLE payment_p2022_02 PARTITION OF payment FOR VALUES FROM ('2022-02-01') TO ('2022-03-01');
CREATE INDEX film_fulltext_idx ON film USING gist (fulltext);
CREATE INDEX idx_last_name ON customer (last_name);
CREATE UNIQUE INDEX idx_unq_rental ON rental (rental_date, inventory_id, customer_id);
CREATE TRIGGER film_fulltext_trigger BEFORE INSERT OR UPDATE ON film FOR EACH ROW
    EXECUTE FUNCTION tsvector_update_trigger('fulltext', 'pg_catalog.english', 'title', 'description');
CREATE TRIGGER last_updated BEFORE UPDATE ON customer FOR EACH ROW EXECUTE FUNCTION last_updated();
CREATE TRIGGER last_updated BEFORE UPDATE ON address FOR EACH ROW EXECUTE FUNCTION last_updated();
CREATE TRIGGER last_updated BEFORE UPDATE ON film FOR EACH ROW EXECUTE FUNCTION last_updated();
CREATE FUNCTION _group_concat(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
SELECT CASE WHEN $2 IS NULL THEN $1 WHEN $1 IS NULL THEN $2 ELSE $1 || ', ' || $2 END $$;
CREATE AGGREGATE group_concat(text) (SFUNC = _group_concat, STYPE = text);
CREATE FUNCTION last_day(timestamptz) RETURNS date LANGUAGE sql IMMUTABLE STRICT AS $$
SELECT (date_trunc('month', $1 AT TIME ZONE 'UTC') + interval '1 month' - interval '1 day')::date $$;
CREATE FUNCTION inventory_in_stock(p_inventory_id integer) RETURNS boolean LANGUAGE sql STABLE AS $$
SELECT NOT EXISTS (SELECT 1 FROM rental WHERE inventory_id = p_inventory_id AND return_date IS NULL) $$;
CREATE FUNCTION get_customer_balance(p_customer_id integer, p_effective_date timestamptz) RETURNS numeric LANGUAGE sql STABLE AS $$
SELECT coalesce((SELECT sum(film.rental_rate) FROM film JOIN inventory USING (film_id) JOIN rental USING (inventory_id)
                 WHERE rental.customer_id = p_customer_id AND rental.rental_date <= p_effective_date), 0)
     - coalesce((SELECT sum(amount) FROM payment
                 WHERE payment.customer_id = p_customer_id AND payment_date <= p_effective_date), 0) $$;
CREATE FUNCTION rewards_report(min_monthly_purchases integer, min_dollar_amount_purchased numeric) RETURNS SETOF customer
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE 'SELECT c.* FROM customer c JOIN payment p USING (customer_id)
        GROUP BY c.customer_id HAVING count(*) >= $1 AND sum(p.amount) >= $2 ORDER BY c.customer_id'
        USING min_monthly_purchases, min_dollar_amount_purchased;
END $$;
CREATE VIEW customer_list AS
SELECT cu.customer_id AS id, cu.first_name || ' ' || cu.last_name AS name, a.address, a.postal_code AS "zip code", a.phone,
       city.city, country.country, CASE WHEN cu.activebool THEN 'active' ELSE '' END AS notes, cu.store_id AS sid
FROM customer cu JOIN address a USING (address_id) JOIN city USING (city_id) JOIN country USING (country_id);
CREATE VIEW staff_list AS
SELECT s.staff_id AS id, s.first_name || ' ' || s.last_name AS name, a.address, a.postal_code AS "zip code", a.phone,
       city.city, country.country, s.store_id AS sid
FROM staff s JOIN address a USING (address_id) JOIN city USING (city_id) JOIN country USING (country_id);
CREATE VIEW film_list AS
SELECT film.film_id AS fid, film.title, category.name AS category, film.rental_rate AS price, film.rating,
       group_concat(actor.first_name || ' ' || actor.last_name) AS actors
FROM category JOIN film_category USING (category_id) JOIN film USING (film_id)
     JOIN film_actor USING (film_id) JOIN actor USING (actor_id)
GROUP BY film.film_id, film.title, category.name, film.rental_rate, film.rating;
CREATE VIEW sales_by_film_category AS
SELECT c.name AS category, sum(p.amount) AS total_sales
FROM payment p JOIN rental USING (rental_id) JOIN inventory USING (inventory_id) JOIN film_category USING (film_id)
     JOIN category c USING (category_id)
GROUP BY c.name;
CREATE VIEW sales_by_store AS
SELECT c.city || ',' || cy.country AS store, m.first_name || ' ' || m.last_name AS manager, sum(p.amount) AS total_sales
FROM payment p JOIN rental USING (rental_id) JOIN inventory USING (inventory_id) JOIN store s USING (store_id)
     JOIN address a ON s.address_id = a.address_id JOIN city c USING (city_id) JOIN country cy USING (country_id)
     JOIN staff m ON s.manager_staff_id = m.staff_id
GROUP BY cy.country, c.city, s.store_id, m.first_name, m.last_name;
CREATE MATERIALIZED VIEW rental_by_category AS SELECT * FROM sales_by_film_category WITH NO DATA;
