-- Sakila: the same shop that rents films, as SQLite has it. Facts of the public schema.
CREATE TABLE country (country_id integer PRIMARY KEY, country text NOT NULL, last_update timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE city (
    city_id integer PRIMARY KEY, city text NOT NULL, country_id integer NOT NULL REFERENCES country,
    last_update timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE address (
    address_id integer PRIMARY KEY, address text NOT NULL, address2 text, district text NOT NULL,
    city_id integer NOT NULL REFERENCES city, postal_code text, phone text NOT NULL,
    last_update timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE language (language_id integer PRIMARY KEY, name char(20) NOT NULL, last_update timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE category (category_id integer PRIMARY KEY, name text NOT NULL, last_update timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE actor (
    actor_id integer PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL,
    last_update timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE film (
    film_id integer PRIMARY KEY, title text NOT NULL, description text, release_year integer,
    language_id integer NOT NULL REFERENCES language, original_language_id integer REFERENCES language,
    rental_duration smallint NOT NULL DEFAULT 3, rental_rate numeric(4, 2) NOT NULL DEFAULT 4.99, length smallint,
    replacement_cost numeric(5, 2) NOT NULL DEFAULT 19.99, rating text DEFAULT 'G',
    last_update timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, special_features text
);
CREATE TABLE film_actor (
    actor_id integer NOT NULL REFERENCES actor, film_id integer NOT NULL REFERENCES film,
    last_update timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (actor_id, film_id)
);
CREATE TABLE film_category (
    film_id integer NOT NULL REFERENCES film, category_id integer NOT NULL REFERENCES category,
    last_update timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (film_id, category_id)
);
CREATE TABLE staff (
    staff_id integer PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL,
    address_id integer NOT NULL REFERENCES address, email text, store_id integer NOT NULL REFERENCES store DEFERRABLE INITIALLY DEFERRED,
    active boolean NOT NULL DEFAULT 1, username text NOT NULL, password text,
    last_update timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, picture blob
);
CREATE TABLE store (
    store_id integer PRIMARY KEY, manager_staff_id integer NOT NULL REFERENCES staff,
    address_id integer NOT NULL REFERENCES address, last_update timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE inventory (
    inventory_id integer PRIMARY KEY, film_id integer NOT NULL REFERENCES film, store_id integer NOT NULL REFERENCES store,
    last_update timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE customer (
    customer_id integer PRIMARY KEY, store_id integer NOT NULL REFERENCES store, first_name text NOT NULL,
    last_name text NOT NULL, email text, address_id integer NOT NULL REFERENCES address,
    activebool boolean NOT NULL DEFAULT 1, create_date date NOT NULL DEFAULT CURRENT_DATE,
    last_update timestamp DEFAULT CURRENT_TIMESTAMP, active integer
);
CREATE TABLE rental (
    rental_id integer PRIMARY KEY, rental_date timestamp NOT NULL, inventory_id integer NOT NULL REFERENCES inventory,
    customer_id integer NOT NULL REFERENCES customer, return_date timestamp, staff_id integer NOT NULL REFERENCES staff,
    last_update timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE payment (
    payment_id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customer, staff_id integer NOT NULL REFERENCES staff,
    rental_id integer NOT NULL REFERENCES rental, amount numeric(5, 2) NOT NULL, payment_date timestamp NOT NULL
);
CREATE INDEX idx_last_name ON customer (last_name);
CREATE UNIQUE INDEX idx_unq_rental ON rental (rental_date, inventory_id, customer_id);
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
CREATE TRIGGER customer_trigger_au AFTER UPDATE ON customer FOR EACH ROW BEGIN
    UPDATE customer SET last_update = CURRENT_TIMESTAMP WHERE customer_id = NEW.customer_id;
END;
CREATE TRIGGER film_trigger_au AFTER UPDATE ON film FOR EACH ROW BEGIN
    UPDATE film SET last_update = CURRENT_TIMESTAMP WHERE film_id = NEW.film_id;
END;
